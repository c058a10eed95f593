import { spawn } from 'node:child_process';

/** How long an operation of a description may take. */
export const operationMs = 60_000;

/** An operation as a command: what it is given comes as JSON on standard input, and it may print JSON. */
export function command([program, ...words], given, folder) {
  return new Promise((done, fail) => {
    const child = spawn(program, words, { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'], timeout: operationMs });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part) => (text += part));
    child.once('error', fail).once('close', (code) => (code === 0 ? done(text.trim() === '' ? undefined : JSON.parse(text)) : fail(new Error(`${program} ended with ${code}`))));
    child.stdin.on('error', () => undefined).end(JSON.stringify(given));
  });
}
