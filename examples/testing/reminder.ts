// #region sample
import { EphemeralLock } from 'consul-lock';

export type Send = (invoice: string, options: { signal: AbortSignal }) => Promise<void>;

/** Sends the reminders of an invoice, one after the other; resolves to false when somebody else is at it. */
export async function remind(invoice: string, people: readonly string[], send: Send): Promise<boolean> {
  await using handle = await new EphemeralLock(`invoices/${invoice}/reminder`).tryAcquire();
  if (handle === null) return false;
  for (const person of people) {
    handle.signal.throwIfAborted();
    await send(person, { signal: handle.signal });
  }
  handle.assertHeld();
  return true;
}
// #endregion
