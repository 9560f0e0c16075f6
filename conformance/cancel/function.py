import asyncio


async def handler(context, event):
    if event.body == b"wait":
        await asyncio.Event().wait()
    return "fine"
