/** What `act` throws or rejects with; fails when it does neither. */
export async function failureOf(act: () => unknown): Promise<Error> {
  let result: unknown;
  try {
    result = await act();
  } catch (error) {
    if (error instanceof Error) return error;
    throw new Error('something was thrown that is no error', { cause: error });
  }
  throw new Error('nothing was thrown', { cause: result });
}
