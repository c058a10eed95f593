import { createServer } from 'node:http';

/** Where an enforcement point has its tasks told: keeps what it hears. */
export class Receiver {
  notices = [];
  #server;

  async listen() {
    this.#server = createServer((request, response) => {
      const chunks = [];
      request.on('data', (chunk) => chunks.push(chunk)).on('end', () => {
        const text = Buffer.concat(chunks).toString();
        this.notices.push({ headers: request.headers, text, body: JSON.parse(text) });
        response.writeHead(204).end();
      });
    });
    await new Promise((done) => this.#server.listen(0, '127.0.0.1', done));
    this.url = `http://127.0.0.1:${this.#server.address().port}/callbacks`;
    return this;
  }

  close() {
    this.#server.close().closeAllConnections();
  }
}
