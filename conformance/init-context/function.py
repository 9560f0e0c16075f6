async def init_context(context):
    context.user_data.greeting = "hello"
    context.user_data.count = 0
    print("initialised")


def handler(context, event):
    context.user_data.count += 1
    return f"{context.user_data.greeting} {context.user_data.count}"
