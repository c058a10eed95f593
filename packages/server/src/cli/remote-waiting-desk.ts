import type { JsonObject } from '@flyball/protocol';
import type { WaitingDesk } from '../api/waiting-desk.js';

/** Asks a running server: a method, a path, a body. */
export type Ask = (method: 'GET' | 'POST' | 'DELETE', path: string, body?: object) => Promise<unknown>;

const at = encodeURIComponent;
const asJson = (answer: Promise<unknown>) => answer as Promise<JsonObject>;

/** What waits, at a server that is running. Who asks is whom the token names. */
export class RemoteWaitingDesk implements WaitingDesk {
  constructor(private readonly ask: Ask) {}

  inbox = (_person: string, after: string | undefined) => this.ask('GET', `/v1/inbox${after === undefined ? '' : `?after=${at(after)}`}`) as ReturnType<WaitingDesk['inbox']>;
  question = (hold: string) => this.ask('GET', `/v1/questions/${at(hold)}`) as ReturnType<WaitingDesk['question']>;
  answer = ({ hold, person: _person, ...answer }: Parameters<WaitingDesk['answer']>[0]) => asJson(this.ask('POST', `/v1/holds/${at(hold)}/answer`, answer));
  answerAll = ({ person: _person, ...answers }: Parameters<WaitingDesk['answerAll']>[0]) => asJson(this.ask('POST', '/v1/holds/answers', answers));
  cancel = (hold: string) => asJson(this.ask('POST', `/v1/holds/${at(hold)}/cancel`, {}));
  recommendations = () => this.ask('GET', '/v1/recommendations') as ReturnType<WaitingDesk['recommendations']>;
  standing = () => this.ask('GET', '/v1/standing') as ReturnType<WaitingDesk['standing']>;
  endStanding = (id: string) => asJson(this.ask('DELETE', `/v1/standing/${at(id)}`));
  delegations = () => this.ask('GET', '/v1/delegations') as ReturnType<WaitingDesk['delegations']>;
  delegate = ({ person: _person, ...wish }: Parameters<WaitingDesk['delegate']>[0]) => asJson(this.ask('POST', '/v1/delegations', wish));
  endDelegation = (id: string) => asJson(this.ask('DELETE', `/v1/delegations/${at(id)}`));
  emergencies = () => this.ask('GET', '/v1/emergencies') as ReturnType<WaitingDesk['emergencies']>;
  declareEmergency = ({ name, person: _person, forMs, ...wish }: Parameters<WaitingDesk['declareEmergency']>[0]) => asJson(this.ask('POST', `/v1/emergencies/${at(name)}`, { ...wish, ...(forMs !== undefined && { for_seconds: Math.ceil(forMs / 1_000) }) }));
  confirmEmergency = (name: string, id: string) => asJson(this.ask('POST', `/v1/emergencies/${at(name)}/${at(id)}/confirm`, {}));
  endEmergency = (name: string, id: string) => asJson(this.ask('POST', `/v1/emergencies/${at(name)}/${at(id)}/end`, {}));
  reviewEmergency = (name: string, id: string, _person: string, finding: string) => asJson(this.ask('POST', `/v1/emergencies/${at(name)}/${at(id)}/review`, { finding }));
}
