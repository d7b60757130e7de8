// Counts visits since this unit started, and says how long ago that was.
const http = require("node:http");
const ms = require("ms");

const started = Date.now();
let visits = 0;

const server = http.createServer((request, response) => {
  if (request.url === "/") visits += 1;
  response.setHeader("Content-Type", "text/plain; charset=utf-8");
  response.end(`visit ${visits}, up for ${ms(Date.now() - started, { long: true })}\n`);
});

server.listen(process.env.PORT, () => console.log(`counting on port ${process.env.PORT}`));
process.on("SIGTERM", () => server.close(() => process.exit(0)));
