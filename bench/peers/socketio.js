// The few lines an application of Socket.IO needs for one room: whoever listens joins, whatever is said goes to all.
const http = require("http").createServer();
const { Server } = require("socket.io");
const io = new Server(http, { transports: ["websocket"] });
io.on("connection", (socket) => {
  if (socket.handshake.query.listens) socket.join("room");
  socket.on("say", (text) => io.to("room").emit("said", text));
});
http.listen(Number(process.env.PORT), "127.0.0.1");
