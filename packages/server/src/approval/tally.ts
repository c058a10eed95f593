import type { ApprovalRule } from '@flyball/protocol';
import type { Vote } from '../action/states.js';
import { isKeptApart, isRequester, type People, type Requester } from './people.js';

/** What a question's answers are counted with: people as they are now, not as they were. */
export interface TallyTerms {
  readonly people: People;
  /** The name behind a reference; nothing when it was erased or is nobody's that is known. */
  nameOf(ref: string): string | undefined;
  readonly requester: Requester;
  readonly askedAtMs: number;
  readonly nowMs: number;
  /** Kinds of evidence that the question has. */
  readonly evidence: ReadonlySet<string>;
}

export interface Missing {
  readonly policy: string;
  readonly group: string;
  readonly needed: number;
  readonly evidence: readonly string[];
}

export interface Tally {
  readonly met: boolean;
  /** Answers that count for one of the rules. */
  readonly counted: readonly Vote[];
  readonly missing: readonly Missing[];
}

interface Voter {
  readonly vote: Vote;
  /** Whose consent it is, and by whose right: the same unless somebody speaks for another. */
  readonly person: string;
  readonly authority: string;
  readonly groups?: readonly string[] | undefined;
}

/** Counts who agreed, by the rules of a question. Pure. A person counts once, for one group of each policy. */
export function tally(rules: readonly ApprovalRule[], votes: readonly Vote[], terms: TallyTerms): Tally {
  const voters = distinct(votes.flatMap((vote) => toVoter(vote, terms)));
  const policies = [...new Set(rules.map(({ policy }) => policy))];
  const tallies = policies.map((policy) => tallyOfPolicy(rules.filter((rule) => rule.policy === policy), voters, terms));
  return { met: rules.length > 0 && tallies.every(({ met }) => met), counted: [...new Set(tallies.flatMap(({ counted }) => counted))], missing: tallies.flatMap(({ missing }) => missing) };
}

function toVoter(vote: Vote, { people, nameOf, nowMs }: TallyTerms): readonly Voter[] {
  const person = nameOf(vote.person);
  const authority = nameOf(vote.authority);
  if (person === undefined || authority === undefined || (vote.narrow?.untilMs ?? Infinity) <= nowMs) return [];
  return [{ vote, person: people.canonical(person), authority: people.canonical(authority), groups: vote.groups }];
}

/** Nobody twice: neither with two accounts, nor by oneself and through somebody who speaks for one, nor through two who do. */
function distinct(voters: readonly Voter[]): readonly Voter[] {
  const own = voters.filter(({ person, authority }) => person === authority);
  const spoken = new Set<string>();
  return [...own, ...voters.filter((voter) => !own.includes(voter))].filter(({ person, authority }) => {
    if (spoken.has(person) || spoken.has(authority)) return false;
    spoken.add(person).add(authority);
    return true;
  });
}

function tallyOfPolicy(rules: readonly ApprovalRule[], voters: readonly Voter[], terms: TallyTerms): Tally {
  const lacking = [...new Set(rules.flatMap(({ evidence }) => evidence))].filter((kind) => !terms.evidence.has(kind));
  const seats = rules.flatMap((rule) => Array.from({ length: rule.quorum }, () => rule));
  const seated = assign(seats, voters, (rule, voter) => mayCount(rule, voter, terms));
  const counted = voters.filter((voter) => seated.includes(voter));
  const eligible = voters.filter((voter) => rules.some((rule) => mayCount(rule, voter, terms)));
  // Who may not judge alone needs another pair of eyes, also where one answer would do.
  const alone = counted.some(({ person }) => terms.people.needsPeer(person)) && eligible.length < 2;
  const missing = rules.flatMap((rule) => {
    const needed = seats.filter((seat, index) => seat === rule && seated[index] === undefined).length + (alone && rule === rules[0] ? 1 : 0);
    return needed > 0 || lacking.length > 0 ? [{ policy: rule.policy, group: rule.approvers, needed, evidence: lacking }] : [];
  });
  const peers = counted.length === 1 && counted.some(({ person }) => terms.people.needsPeer(person)) ? eligible.filter((voter) => !counted.includes(voter)).slice(0, 1) : [];
  return { met: missing.length === 0, counted: [...counted, ...peers].map(({ vote }) => vote), missing };
}

/** Whether somebody may answer under a rule, as things are now. */
export function mayAnswer(rule: ApprovalRule, { person, authority, groups: lent }: Omit<Voter, 'vote'>, { people, requester, askedAtMs, nowMs }: Pick<TallyTerms, 'people' | 'requester' | 'askedAtMs' | 'nowMs'>): boolean {
  const groups = [rule.approvers, ...(rule.escalation ?? []).filter(({ afterMs }) => nowMs - askedAtMs >= afterMs).map(({ group }) => group)];
  // Who speaks for another has to be somebody still, though they need no group of their own.
  if (!people.isKnown(person) || !groups.some((group) => people.isMember(authority, group) && (lent === undefined || lent.includes(group)))) return false;
  return [person, authority].every((name) => !isRequester(name, requester, people) && !isKeptApart(name, rule.apart ?? [], requester, people));
}

const mayCount = (rule: ApprovalRule, voter: Voter, terms: TallyTerms): boolean => (rule.signature === undefined || voter.vote.signed) && mayAnswer(rule, voter, terms);

/** Seats as many as can be seated, each on a seat that they may take (Kuhn's algorithm: a seated one makes way if another seat will do). */
function assign<Seat, Person>(seats: readonly Seat[], persons: readonly Person[], may: (seat: Seat, person: Person) => boolean): readonly (Person | undefined)[] {
  const seated: (Person | undefined)[] = seats.map(() => undefined);
  const seat = (person: Person, tried: Set<number>): boolean =>
    seats.some((wanted, index) => {
      if (tried.has(index) || !may(wanted, person)) return false;
      tried.add(index);
      const sitting = seated[index];
      if (sitting !== undefined && !seat(sitting, tried)) return false;
      seated[index] = person;
      return true;
    });
  for (const person of persons) seat(person, new Set());
  return seated;
}
