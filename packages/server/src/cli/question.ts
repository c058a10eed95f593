import type { Question } from '../api/people/approver-desk.js';
import { printable } from './print.js';

/** A question for a terminal: first what is agreed to, as it is, then who has to agree. */
export function format({ preview, approvals, facts, agreed, evidence, state }: Question): string {
  const lines = [
    ...preview.text.split('\n'),
    '',
    `state: ${state}`,
    ...approvals.map(({ approvers, quorum, have, evidence: asked, signature }) => `needs: ${have} of ${quorum} of ${approvers}${asked.length > 0 ? `, with ${asked.join(', ')}` : ''}${signature ? ', signed with a passkey' : ''}`),
    ...(facts.length > 0 ? [`waits for: ${facts.join(', ')}`] : []),
    ...agreed.map(({ person, atMs, terms }) => `agreed: ${[person, new Date(atMs).toISOString(), ...terms].join(', ')}`),
    ...(evidence.length > 0 ? [`evidence: ${evidence.map(({ kind }) => kind).join(', ')}`] : []),
    `seen: ${preview.digest} (say so with --seen, and the answer is recorded as given to this text)`,
  ];
  return lines.map(printable).join('\n');
}
