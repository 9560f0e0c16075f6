import nuclio_sdk


async def handler(context, event):
    response = await context.platform.call_function_async("ask", nuclio_sdk.Event(body=event.body))
    return response.body
