// One client of bench/authzen.mjs: keeps connections busy with prepared requests until it is told to stop, and says how
// many answers there were and how many said otherwise than they should have. A process of its own, so that none of its
// work is counted as a server's.
import { connect } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

const { host, port, connections, head, bodies, expected, allowed } = workerData;
const requests = bodies.map((body) => Buffer.from(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`));
const counts = { answers: 0, wrong: 0, first: undefined };
const took = [];
let next = 0;
let stopping = false;

/** Length of the first whole answer in a text, or nothing. */
function answerIn(text) {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [, length] = /content-length: (\d+)/i.exec(text.slice(0, end)) ?? [];
  if (length !== undefined) return text.length >= end + 4 + Number(length) ? end + 4 + Number(length) : undefined;
  const last = text.indexOf('0\r\n\r\n', end + 4);
  return last < 0 ? undefined : last + 5;
}

function open() {
  const socket = connect(port, host).setNoDelay(true).setEncoding('latin1');
  let text = '';
  let asked = 0;
  let began = 0;
  const send = () => {
    if (stopping) return socket.end();
    asked = next++ % requests.length;
    began = performance.now();
    socket.write(requests[asked]);
  };
  socket.on('connect', send).on('error', (error) => (counts.first ??= String(error)));
  socket.on('data', (part) => {
    text += part;
    const length = answerIn(text);
    if (length === undefined) return;
    const answer = text.slice(0, length);
    text = text.slice(length);
    counts.answers++;
    took.push(performance.now() - began);
    if (!answer.startsWith('HTTP/1.1 200') || answer.includes(allowed) !== expected[asked]) {
      counts.wrong++;
      counts.first ??= answer.slice(0, 600);
    }
    send();
  });
}

for (let index = 0; index < connections; index++) open();
parentPort.on('message', (what) => {
  if (what === 'stop') stopping = true;
  const sorted = took.splice(0).sort((left, right) => left - right);
  parentPort.postMessage({ ...counts, p50: sorted[Math.floor(sorted.length * 0.5)], p95: sorted[Math.floor(sorted.length * 0.95)] });
  if (what === 'stop') setTimeout(() => process.exit(), 200);
});
