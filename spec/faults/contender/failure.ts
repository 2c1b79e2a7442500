import type { Failure } from '../history/facts.ts';

/** An error as the history has it: by its `code`, and where there is none, by its name. */
export function failureOf(error: unknown): Failure {
  const { code, name, message, reason } = error as {
    code?: unknown;
    name?: string;
    message?: string;
    reason?: unknown;
  };
  const named = typeof code === 'string' ? code : (name ?? typeof error);
  return {
    code: named,
    message: `${String(message ?? error)}${typeof reason === 'string' ? ` (${reason})` : ''}`,
  };
}
