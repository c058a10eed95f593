export { questionsNow } from './house-questions.js';
export { channelsConfig, type ChannelsConfig } from './config.js';
export type { OpenQuestion } from './ladder.js';
export { Notifier, type NotifierParts } from './notifier.js';
export type { Marks } from './outbox.js';
export type { Answers, QuestionsNow, QuestionStanding } from './questions.js';
export type { NoticeRecord } from './record.js';
export { callbackBytesMax } from './slack-payload.js';
export type { HeaderOf } from './slack-callback.js';
