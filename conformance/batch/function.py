import nuclio_sdk


def handler(context, events):
    responses = [
        nuclio_sdk.Response(body=event.body.decode() * 2, status_code=200 + index, event_id=event.id)
        for index, event in enumerate(events)
    ]
    return responses[::-1]
