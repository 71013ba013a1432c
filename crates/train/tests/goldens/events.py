"""Writes events.out.tfevents.golden with TensorBoard's own protocol buffers and record writer.

Run with tensorboard installed:  python events.py
"""

import io
import os

import tensorboard
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter


class Kept(io.BytesIO):
    def close(self):
        self.kept = self.getvalue()
        super().close()


def event(seconds, step, **scalars):
    values = [Summary.Value(tag=tag.replace("__", "/"), simple_value=value) for tag, value in scalars.items()]
    return Event(wall_time=seconds, step=step, summary=Summary(value=values))


def main():
    out = Kept()
    writer = RecordWriter(out)
    version = Event(wall_time=0.0, file_version="brain.Event:2")
    events = [
        event(1.5, 200, epoch__loss=2.5, epoch__learning_rate=0.125),
        event(
            3.0,
            400,
            epoch__loss=1.25,
            epoch__learning_rate=0.125,
            test__loss=1.0,
            test__accuracy=0.5,
            shifted__loss=2.0,
            shifted__accuracy=0.25,
        ),
    ]
    for one in [version, *events]:
        writer.write(one.SerializeToString())
    writer.close()
    path = os.path.join(os.path.dirname(__file__), "events.out.tfevents.golden")
    with open(path, "wb") as file:
        file.write(out.kept)
    print("tensorboard", tensorboard.__version__)


main()
