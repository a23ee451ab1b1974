// A second peer of bench_net_server websocket: the npm package ws on Node.js.
import { WebSocketServer } from "ws";
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false }, () => console.log(server.address().port));
server.on("connection", (w, request) => {
  w.on("message", (m, binary) => {
    if (request.url === "/fanout") for (const c of server.clients) c.send(m, { binary });
    else w.send(m, { binary });
  });
});
