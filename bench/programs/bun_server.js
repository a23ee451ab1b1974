// The peer of bench_net_server websocket: Bun's native WebSocket server and its publish.
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: (request, s) => (s.upgrade(request, { data: new URL(request.url).pathname }) ? undefined : new Response("no", { status: 400 })),
  websocket: {
    perMessageDeflate: false,
    open: (w) => { if (w.data === "/fanout") w.subscribe("all"); },
    message: (w, m) => { if (w.data === "/fanout") server.publish("all", m); else w.send(m); },
  },
});
console.log(server.port);
