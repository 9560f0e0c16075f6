"""A place in a stream."""


class QualifiedOffset:
    """Topic, partition and offset of an event that comes from a stream."""

    def __init__(self, topic, partition, offset):
        self.topic = topic
        self.partition = partition
        self.offset = offset

    @classmethod
    def from_event(cls, event):
        """The place of ``event``."""
        return cls(event.topic or event.path, event.shard_id, event.offset)

    def compile_explicit_ack_message(self):
        """The place as a map."""
        return {"topic": self.topic, "partition": self.partition, "offset": self.offset}
