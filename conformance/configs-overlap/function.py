import asyncio

arrived = 0
all_here = None


async def handler(context, event):
    global arrived, all_here
    all_here = all_here or asyncio.Event()
    arrived += 1
    if arrived == 3:
        all_here.set()
    await asyncio.wait_for(all_here.wait(), 20)
    return context.configs.get("side", "none")
