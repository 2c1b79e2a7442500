// A default export because jest asks for one.
export default async function globalTeardown(): Promise<void> {
  await globalThis.consulOfThisRun?.stop();
}
