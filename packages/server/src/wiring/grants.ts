import type { Identity } from '@flyball/protocol';
import type { Stages } from '../action/stages.js';
import { AccessRequests, type ApprovalRoom, Grants, outcomeOfRequest, Resuming } from '../approval/index.js';
import type { KnownOutcome, Ledger, Names } from '../ledger/index.js';
import type { StoreClock } from '../lib/clock.js';
import type { Log } from '../lib/log.js';
import { repeat } from '../lib/repeat.js';
import { accessMethod, type ActiveBundle } from '../policy/index.js';
import { recordOf } from './record.js';

export interface GrantsFoundation {
  readonly ledger: Ledger;
  readonly names: Names;
  readonly bundle: ActiveBundle;
  readonly clock: StoreClock;
  readonly approval: ApprovalRoom;
  readonly identity: (id: string) => Identity | undefined;
}

export function openGrants({ ledger, names, bundle, clock, approval, identity }: GrantsFoundation): Grants {
  return new Grants({
    record: recordOf({ ledger, names }),
    known: (stream) => ledger.projections.get(stream),
    unsettled: (after, most) => ledger.store.unsettled('grant.opened', after, most),
    people: approval.people,
    identity,
    declared: () => bundle.current.grants,
    clock,
  });
}

export function openAccessRequests({ ledger, names, bundle, approval, identity }: GrantsFoundation, stages: Stages, port: { readonly tenant: string; newId(): string }): AccessRequests {
  const { questions, asking, people } = approval;
  return new AccessRequests({ stages, record: recordOf({ ledger, names }), questions, asking, people, identity, declared: () => bundle.current.grants, tenant: port.tenant, newId: () => port.newId() });
}

const roundMs = 200;

/** Carries out what was agreed to, also after a crash and also where another node was asked. */
export function resumeJob(requests: AccessRequests, { bundle, clock, approval }: GrantsFoundation, listen: (listener: Resuming['notice']) => void, stop: AbortSignal, log: Log): Promise<void> {
  const trouble = (error: unknown) => log('warn', 'what was agreed to cannot be carried out now; it is tried again', { reason: error instanceof Error ? error.message : 'unknown' });
  const isRequest = (name: string) => bundle.current.catalogue.actions.some((action) => action.name === name && action.match.method === accessMethod);
  const resuming = new Resuming({ board: approval.board, requests, isRequest, bundle: () => bundle.current.digest, now: () => clock.now(), trouble });
  listen((entry) => resuming.notice(entry));
  return repeat(() => resuming.round(), { everyMs: roundMs, stop, failed: trouble });
}

/** What became of a request whose outcome nobody wrote stands in the record. */
export const knownOutcome = (ledger: Ledger): KnownOutcome => (intent) => outcomeOfRequest(intent, { read: (stream) => ledger.readNow(stream) });
