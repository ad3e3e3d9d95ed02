// Foxglove's WebSocket protocol, as far as the page needs it: channels in JSON, and services.
const MESSAGE = 1, CALL = 2, ANSWER = 3;

export class Socket {
  // wanted: topic ending -> function(content); status: function(text)
  constructor(wanted, status) {
    this.wanted = wanted;
    this.status = status;
    this.calls = new Map();
    this.connect();
  }

  connect() {
    this.channels = new Map();
    this.services = new Map();
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.socket = new WebSocket(`${scheme}://${location.host}/`, ["foxglove.sdk.v1"]);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => this.status("live");
    this.socket.onclose = () => {
      this.status("the connection is lost; it is tried again");
      this.again = setTimeout(() => this.connect(), 2000);
    };
    this.socket.onmessage = event =>
      typeof event.data === "string" ? this.onText(JSON.parse(event.data)) : this.onBinary(event.data);
  }

  close() {
    this.socket.onclose = null;
    clearTimeout(this.again);
    this.socket.close();
  }

  onText(content) {
    if (content.op === "advertise") {
      const begun = [];
      for (const channel of content.channels) {
        this.channels.set(channel.id, channel);
        if (channel.encoding === "json" && this.handler(channel.topic)) begun.push({ id: channel.id, channelId: channel.id });
      }
      if (begun.length) this.socket.send(JSON.stringify({ op: "subscribe", subscriptions: begun }));
    } else if (content.op === "advertiseServices") {
      for (const service of content.services) this.services.set(service.name, service.id);
    } else if (content.op === "serviceCallFailure") {
      this.settle(content.callId, { success: false, message: content.message });
    }
  }

  handler(topic) {
    return this.wanted[Object.keys(this.wanted).find(start => topic.startsWith(start))];
  }

  onBinary(buffer) {
    const view = new DataView(buffer);
    if (view.getUint8(0) === MESSAGE) {
      const topic = this.channels.get(view.getUint32(1, true)).topic;
      this.handler(topic)(JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 13))), topic);
    } else if (view.getUint8(0) === ANSWER) {
      const start = 13 + view.getUint32(9, true);
      this.settle(view.getUint32(5, true), JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, start))));
    }
  }

  settle(call, answer) {
    const done = this.calls.get(call);
    this.calls.delete(call);
    if (done) done(answer);
  }

  call(name) {
    const service = this.services.get(name), call = (this.last = (this.last || 0) + 1);
    if (service === undefined) return Promise.resolve({ success: false, message: `there is no service ${name}` });
    const encoding = new TextEncoder().encode("json"), payload = new TextEncoder().encode("{}");
    const data = new Uint8Array(13 + encoding.length + payload.length), view = new DataView(data.buffer);
    view.setUint8(0, CALL);
    view.setUint32(1, service, true);
    view.setUint32(5, call, true);
    view.setUint32(9, encoding.length, true);
    data.set(encoding, 13);
    data.set(payload, 13 + encoding.length);
    const answer = new Promise(done => this.calls.set(call, done));
    this.socket.send(data);
    return answer;
  }
}
