"""The labelling page: what a key does is on the disk when it has been answered."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from dataclasses import replace

import pytest
from slot_pictures import make_dataset

from mentor_reward.dataset.label_server import Labelling, make_server
from mentor_reward.dataset.labelled_images import LabelledImage, read_labels, write_labels


@pytest.fixture
def folder(tmp_path):
    make_dataset(tmp_path, per_class=1)
    write_labels(tmp_path, [replace(i, state=None) for i in read_labels(tmp_path)])
    return tmp_path


@pytest.fixture
def page(folder):
    server = make_server(Labelling(folder, "slot_1"))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read()


def post(page: str, kind: str = "application/json", **fields: object) -> int:
    request = urllib.request.Request(
        f"{page}/api/label", json.dumps(fields).encode(), {"Content-Type": kind}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_the_page_shows_the_images_of_its_camera_and_the_states_to_choose_from(page):
    assert b"<title>Slot images</title>" in get(page + "/")
    listing = json.loads(get(page + "/api/images"))
    assert [image["camera"] for image in listing["images"]] == ["slot_1"] * 4
    assert listing["states"]["slot_1"] == ["OUTSIDE", "SIDE", "ABOVE", "INSIDE"]
    assert len(listing["states"]["slot_2"]) == 7
    picture = get(page + "/image/" + listing["images"][0]["file"])
    assert picture.startswith(b"\x89PNG")


def test_a_label_is_saved_at_once_and_can_be_taken_back(page, folder):
    file = read_labels(folder)[2].file
    assert post(page, file=file, state=3) == 200
    assert read_labels(folder)[2].state == 3
    assert post(page, file=file, state=None) == 200
    assert read_labels(folder)[2].state is None


def test_an_image_that_is_left_out_keeps_no_label(page, folder):
    file = read_labels(folder)[0].file
    assert post(page, file=file, state=None, left_out=True) == 200
    assert read_labels(folder)[0].state is None
    assert json.loads(get(page + "/api/images"))["images"][0]["left_out"]


def test_a_label_keeps_what_others_have_written_since_the_page_was_loaded(page, folder):
    file, other = (image.file for image in read_labels(folder)[:2])
    added = LabelledImage("slot_1/import-000000.png", "slot_1", None, "bag")
    changed = [replace(i, state=1) if i.file == other else i for i in read_labels(folder)]
    write_labels(folder, [*changed, added])
    assert post(page, file=file, state=3) == 200
    states = {image.file: image.state for image in read_labels(folder)}
    assert (states[file], states[other]) == (3, 1) and added in read_labels(folder)
    listed = json.loads(get(page + "/api/images"))["images"]
    assert added.file in [image["file"] for image in listed]


def test_an_image_that_is_no_longer_listed_is_not_labelled(page, folder):
    gone, *rest = read_labels(folder)
    write_labels(folder, rest)
    assert post(page, file=gone.file, state=3) == 400
    assert read_labels(folder) == rest


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"file": "slot_1/none.png", "state": 1}, 400),
        ({"file": "../labels.csv", "state": 1}, 400),
        ({"state": 1}, 400),
    ],
)
def test_a_wrong_request_changes_nothing(page, folder, fields, status):
    before = read_labels(folder)
    assert post(page, **fields) == status
    assert read_labels(folder) == before


def test_a_state_that_the_slot_does_not_have_is_refused(page, folder):
    assert post(page, file=read_labels(folder)[0].file, state=4) == 400


def test_a_form_from_another_page_cannot_label(page, folder):
    assert post(page, kind="text/plain", file=read_labels(folder)[0].file, state=1) == 415
    assert read_labels(folder)[0].state is None


def test_no_file_but_the_images_can_be_read(page):
    for path in ("/image/labels.csv", "/image/..%2Flabels.csv", "/etc/passwd"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            get(page + path)


def test_the_page_is_for_this_machine_only(folder):
    server = make_server(Labelling(folder))
    assert server.server_address[0] == "127.0.0.1"
    server.server_close()


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1:1", ""])
@pytest.mark.parametrize("path", ["/", "/api/images", "/api/label"])
def test_a_request_for_another_host_is_refused(page, folder, host, path):
    body = json.dumps({"file": read_labels(folder)[0].file, "state": 1}).encode()
    request = urllib.request.Request(page + path, body if path == "/api/label" else None)
    request.add_header("Content-Type", "application/json")
    request.add_unredirected_header("Host", host)
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(request, timeout=60)
    assert read_labels(folder)[0].state is None


def test_the_name_of_this_machine_is_no_other_host(page):
    assert b"<title>" in get(page.replace("127.0.0.1", "localhost"))
