// A small payments system as an MCP server over stdio. Its book is a file: node payments-server.mjs BOOK.json
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';

const file = process.argv[2];
if (!file) throw new Error('expected the path of the book');
const load = () => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { payments: [] });
const save = (book) => {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, JSON.stringify(book, null, 2));
  renameSync(`${file}.new`, file);
};

const payment = z.object({ id: z.string(), payee: z.string(), amount: z.number(), contact: z.string() });

function createServer() {
  const server = new McpServer({ name: 'payments', version: '1.0.0' });
  server.registerTool(
    'list_payments',
    { description: 'Lists released payments, newest first.', inputSchema: z.object({ limit: z.number().int().min(1).max(100).optional() }), outputSchema: z.object({ payments: z.array(payment) }) },
    ({ limit = 100 }) => {
      const payments = load().payments.toReversed().slice(0, limit);
      return { content: [{ type: 'text', text: JSON.stringify(payments) }], structuredContent: { payments } };
    },
  );
  server.registerTool(
    'release_payment',
    { description: 'Releases a payment in euros.', inputSchema: z.object({ payee: z.string(), amount: z.number().positive(), contact: z.string().optional() }), outputSchema: z.object({ id: z.string() }) },
    ({ payee, amount, contact = `billing@${payee}.example` }) => {
      const book = load();
      const id = `P-${book.payments.length + 1}`;
      save({ payments: [...book.payments, { id, payee, amount, contact }] });
      return { content: [{ type: 'text', text: `released ${amount} to ${payee} as ${id}` }], structuredContent: { id } };
    },
  );
  return server;
}

serveStdio(createServer);
