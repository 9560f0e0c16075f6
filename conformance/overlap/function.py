import asyncio

arrived = 0
both = None


async def handler(context, event):
    global arrived, both
    both = both or asyncio.Event()
    name = event.body.decode()
    print(name, "arrives")
    arrived += 1
    if arrived == 2:
        both.set()
    await asyncio.wait_for(both.wait(), 20)
    print(name, "leaves")
    return name
