import nuclio_sdk


def handler(context, event):
    request = nuclio_sdk.Event(body=b"z" * 1048576, path="/", method="POST", content_type="text/plain")
    response = context.platform.call_function("echo", request)
    return str(len(response.body))
