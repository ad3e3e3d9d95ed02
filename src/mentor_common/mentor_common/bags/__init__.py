"""Bags: MCAP files of raw CDR, laid out as rosbag2 lays them out; written, read and described.

Here and not in the recorder, because others read and write bags too: learning from bags, a replay
ring as a bag, classifier images from a bag.
"""
