import nuclio_sdk


def handler(context, events):
    return [nuclio_sdk.Response(body="ok", event_id=events[1].id)]
