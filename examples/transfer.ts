import { fromBase64, toBase64 } from './base64.ts';

const [from = '', to = '', amount = '', times = '1'] = process.argv.slice(2);

// #region sample
import { EphemeralLock } from 'consul-lock';

async function transfer(from: string, to: string, amount: number): Promise<void> {
  const lock = new EphemeralLock([`accounts/${from}`, `accounts/${to}`]);
  await lock.hold(
    async (handle) => {
      const [source, target] = [`accounts/${from}/balance`, `accounts/${to}/balance`];
      const rows = await handle.transaction([
        { KV: { Verb: 'get', Key: source } },
        { KV: { Verb: 'get', Key: target } },
      ]);
      const [has = 0, gets = 0] = rows.map(({ KV }) => Number(fromBase64(KV.Value)));
      if (has < amount) throw new Error(`there is not enough on ${from}`);
      await handle.transaction([
        { KV: { Verb: 'set', Key: source, Value: toBase64(String(has - amount)) } },
        { KV: { Verb: 'set', Key: target, Value: toBase64(String(gets + amount)) } },
      ]);
    },
    { acquireTimeoutMs: 30_000 },
  );
}
// #endregion

for (let left = Number(times); left > 0; left--) await transfer(from, to, Number(amount));
console.log('transferred');
