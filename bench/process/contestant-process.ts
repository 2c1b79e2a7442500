import { openContestant } from '../contestants/open-contestant.ts';
import { crowd } from './crowd.ts';
import { Hand } from './hand.ts';
import { loop } from './loop.ts';
import { memory } from './memory.ts';
import type { Order, ProcessArgument, Reply, TaskName, Tasks } from './messages.ts';
import { once } from './once.ts';
import { profile } from './profile.ts';
import { RequestCount } from './request-count.ts';
import { RequestLog } from './request-log.ts';
import { walk } from './walk.ts';

/** A process of a contest: it does what the benchmark tells it to, and ends with it, however that ends. */
process.once('disconnect', () => process.exit());

const { contestant: name, address } = JSON.parse(process.argv[2]!) as ProcessArgument;
const sent = new RequestCount();
const contestant = await openContestant(name, address);
const hand = new Hand(contestant);
/** Only for those who ask for it: it costs time. */
let log: RequestLog | undefined;

const work: { [Name in TaskName]: (needs: Tasks[Name]['needs']) => Promise<Tasks[Name]['answers']> } = {
  loop: async (task) => await loop(contestant, task),
  walk: async (task) => await walk(contestant, task),
  acquire: async ({ key }) => await hand.acquire(key),
  release: async () => await hand.release(),
  requests: async () => sent.total,
  path: async () => (log ??= new RequestLog()).last,
  crowd: async (task) => await crowd(contestant, task),
  profile: async (task) => await profile(task),
  once: async (task) => await once(contestant, task),
  memory: async (task) => await memory(contestant, task),
  close: async () => {
    await contestant.close();
    return undefined;
  },
};

process.on('message', (order: Order) => void obey(order).then((reply) => process.send!(reply)));
process.send!({ id: 0, answer: 'ready' } satisfies Reply);

async function obey({ id, task, needs }: Order): Promise<Reply> {
  try {
    return { id, answer: await (work[task] as (needs: unknown) => Promise<unknown>)(needs) };
  } catch (error) {
    const { name, message } = error as Error;
    return { id, failure: `${name}: ${message}` };
  }
}
