import type { MailComposerOptions } from 'nodemailer/lib/mail-composer';
import type SMTPConnection from 'nodemailer/lib/smtp-connection';
import { pause } from '../../lib/clock.js';
import type { Secret } from '../../lib/secret.js';

export interface MailServer {
  readonly host: string;
  readonly port: number;
  readonly secure: 'tls' | 'starttls' | 'none';
  readonly user: Secret | undefined;
  readonly password: Secret | undefined;
  /** Certificates (PEM) that are trusted instead of the system's. */
  readonly ca: Secret | undefined;
  /** For each step; all of it may take twice as long. */
  readonly timeoutMs: number;
}

/**
 * Sends one letter over one connection, which is gone afterwards, whatever the server does. Throws when nobody knows
 * whether it was taken; never for a part of the recipients.
 */
export async function sendLetter(server: MailServer, letter: MailComposerOptions, stop: AbortSignal): Promise<void> {
  const { default: MailComposer } = await import('nodemailer/lib/mail-composer');
  const { default: Connection } = await import('nodemailer/lib/smtp-connection');
  const message = new MailComposer(letter).compile();
  const connection = new Connection(optionsOf(server));
  const done = new AbortController();
  try {
    const body = await message.build();
    const envelope = message.getEnvelope();
    // Each step is bounded by the library; a server that answers letter by letter ends none of them.
    const late = pause(server.timeoutMs * 2, AbortSignal.any([stop, done.signal])).then(() => Promise.reject(new Error('the mail server was too slow')));
    await Promise.race([converse(connection, server, { from: envelope.from, to: envelope.to }, body), late]);
  } finally {
    done.abort();
    hangUp(connection);
  }
}

/** `close` waits for the other side to hang up as well, which may never do it. */
function hangUp(connection: SMTPConnection): void {
  const { _socket: socket } = connection;
  connection.close();
  if (socket) socket.destroy();
}

function optionsOf({ host, port, secure, ca, timeoutMs }: MailServer): ConstructorParameters<typeof SMTPConnection>[0] {
  return {
    host,
    port,
    secure: secure === 'tls',
    // What is said before TLS begins can be changed by whoever is in between, so it has to begin.
    requireTLS: secure === 'starttls',
    ignoreTLS: secure === 'none',
    tls: { minVersion: 'TLSv1.2', ...(ca && { ca: ca.reveal() }) },
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    dnsTimeout: timeoutMs,
    logger: false,
  };
}

function converse(connection: SMTPConnection, { user, password }: MailServer, envelope: Parameters<SMTPConnection['send']>[0], body: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const send = () => connection.send(envelope, body, (error) => (error ? reject(error) : resolve()));
    connection.on('error', reject);
    connection.once('end', () => reject(new Error('the mail server hung up')));
    connection.connect((error) => {
      if (error) return reject(error);
      if (!user || !password) return send();
      connection.login({ user: user.reveal(), pass: password.reveal() }, (refused) => (refused ? reject(refused) : send()));
    });
  });
}
