def handler(context, event):
    context.send("one", "hello ü")
    context.send("two", {"n": [1, 2]}, key="room-7")
    context.send("three", b"\x00\xff\x80", content_type="image/png", headers={"X-One": 1}, delay=1.5)
    context.send("one")
    return "sent"
