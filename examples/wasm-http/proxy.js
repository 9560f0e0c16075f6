// An HTTP server as a component of `wasi:http`: nothing in it knows of Tidemill. It asks another server, if it is granted that.
addEventListener("fetch", (event) => event.respondWith(answer(event.request)))

async function answer(request) {
  const { pathname, searchParams } = new URL(request.url)
  if (pathname === "/hello") return new Response(`hello ${searchParams.get("name") ?? "you"}\n`)
  if (pathname === "/shout" && request.method === "POST") return new Response((await request.text()).toUpperCase())
  if (pathname !== "/get") return new Response("no such page\n", { status: 404 })
  try {
    const found = await fetch(searchParams.get("url"))
    return new Response(await found.text(), { status: found.status, headers: { "x-from": "there" } })
  } catch (error) {
    return new Response(`${error}\n`, { status: 502 })
  }
}
