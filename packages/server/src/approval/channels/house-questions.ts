import { FlyballError } from '@flyball/protocol';
import type { Board } from '../board.js';
import type { Question } from '../question.js';
import type { Questions } from '../questions.js';
import type { QuestionsNow } from './questions.js';

/** Questions as the inbox has them. */
export function questionsNow(board: Pick<Board, 'list'>, questions: Pick<Questions, 'find' | 'count' | 'stateOf' | 'preview'>): QuestionsNow {
  const find = (id: string) => questions.find(id).catch((error: unknown) => absent(error, 'not_found'));
  const isMet = async (question: Question) => (await questions.count(question).catch((error: unknown) => absent(error, 'approval_refused')))?.met ?? false;
  return {
    open: () => board.list(),
    standing: async (id) => {
      const question = await find(id);
      if (!question) return undefined;
      const state = questions.stateOf(question);
      return { state: state === 'pending' && (await isMet(question)) ? 'approved' : state, approvals: question.body.decision.approvals };
    },
    preview: async (id) => {
      const question = await find(id);
      return question && questions.preview(question);
    },
  };
}

function absent(error: unknown, code: FlyballError['code']): undefined {
  if (error instanceof FlyballError && error.code === code) return undefined;
  throw error;
}
