#!/bin/sh
cat >>"$TIDEMILL_SEND_FILE" <<'END'
{"function": "one", "body": "hello ü"}
{"function": "two", "body": "{\"n\":[1,2]}", "content_type": "application/json", "key": "room-7"}
{"function": "three", "body_base64": "AP+A", "content_type": "image/png", "headers": {"X-One": "1"}, "delay_ms": 1500}
{"function": "one"}
END
printf sent
