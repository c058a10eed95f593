// The least that a decision point over HTTP can cost: reads the request, parses it, answers.
import { createServer } from 'node:http';

createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    const text = parts.length === 1 ? parts[0].toString('utf8') : Buffer.concat(parts).toString('utf8');
    const body = text === '' ? undefined : JSON.parse(text);
    const answer = JSON.stringify({ decision: true, context: { evaluation_id: body?.subject?.id } });
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(answer) }).end(answer);
  });
}).listen(Number(process.argv[2]), '127.0.0.1');
