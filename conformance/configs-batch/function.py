import nuclio_sdk


def handler(context, events):
    return [nuclio_sdk.Response(body=context.configs, content_type="application/json", event_id=event.id) for event in events]
