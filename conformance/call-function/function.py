import nuclio_sdk


def handler(context, event):
    request = nuclio_sdk.Event(body={"n": 2}, path="/twice", method="POST", headers={"X-Mark": "m"})
    response = context.platform.call_function("double", request)
    try:
        context.platform.call_function("absent", nuclio_sdk.Event())
    except Exception as error:
        problem = str(error)
    return {"n": response.body["n"], "status": response.status_code, "mark": response.headers["x-mark"], "problem": problem}
