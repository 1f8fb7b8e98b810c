// Node's `ws` at its best for this: each bar's text is made once, what one socket gets in a round leaves corked.
// node node_ws.js PORT FEED_PORT SYMBOLS        (NODE_PATH names the folder that has ws)
const net = require("net");
const { WebSocketServer } = require("ws");
const [port, feedPort, symbols] = process.argv.slice(2).map(Number);
const places = new Map(); // symbol -> its place in a round
const followers = new Set();
let round = [];

const server = new WebSocketServer({ host: "127.0.0.1", port, perMessageDeflate: false, backlog: 4096 });
server.on("connection", (socket) => {
  socket.on("message", (text) => {
    socket.wanted = JSON.parse(text).symbols;
    followers.add(socket);
    socket.send('{"type":"subscribed"}');
  });
  socket.on("close", () => followers.delete(socket));
  socket.on("error", () => followers.delete(socket));
});

function fanOut() {
  for (const socket of followers) {
    socket._socket.cork();
    for (const symbol of socket.wanted) {
      const frame = round[places.get(symbol)];
      if (frame) socket.send(frame, { binary: false });
    }
    socket._socket.uncork();
  }
  round = [];
}

net.createServer((feed) => {
  let rest = Buffer.alloc(0);
  feed.on("error", () => {});
  feed.on("data", (data) => {
    rest = rest.length ? Buffer.concat([rest, data]) : data;
    let from = 0;
    for (let end; (end = rest.indexOf(10, from)) >= 0; from = end + 1) {
      const line = rest.subarray(from, end);
      if (places.size < symbols) places.set(JSON.parse(line).symbol, round.length);
      round.push(line);
      if (round.length === symbols) fanOut();
    }
    rest = rest.subarray(from);
  });
}).listen(feedPort, "127.0.0.1");
