"""A response with a status, headers and a content type."""

NO_ACK = "x-nuclio-stream-no-ack"


class Response:
    """What a handler returns when a bare value is not enough. ``event_id`` names the event of a batch."""

    def __init__(self, headers=None, body=None, content_type="text/plain", status_code=200, event_id=None):
        self.headers = headers or {}
        self.body = body
        self.content_type = content_type
        self.status_code = status_code
        self.event_id = event_id

    def ensure_no_ack(self):
        """Asks the trigger not to mark the event as done when the handler returns."""
        self.headers[NO_ACK] = True

    def __repr__(self):
        return f"Response(status_code={self.status_code!r}, content_type={self.content_type!r}, headers={self.headers!r})"
