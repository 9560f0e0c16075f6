import asyncio

gate = None


async def handler(context, event):
    global gate
    gate = gate or asyncio.Event()
    if event.body == b"fail":
        gate.set()
        raise KeyError("gone")
    await asyncio.wait_for(gate.wait(), 20)
    return "fine"
