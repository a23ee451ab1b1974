/** Waiting times between attempts to connect: exponential with jitter, so that a restarted hub is not stormed. */
interface BackoffPolicy {
  first: number;
  factor: number;
  most: number;
}

export const defaultBackoff: BackoffPolicy = { first: 300, factor: 2, most: 15_000 };

/** Milliseconds to wait before attempt `attempt` (0 is the first one after a loss). `random` is in [0, 1). */
export function backoff(attempt: number, random: number, policy: BackoffPolicy = defaultBackoff): number {
  const ceiling = Math.min(policy.most, policy.first * policy.factor ** Math.min(attempt, 30));
  // The first attempt may be immediate; later ones keep at least half of their step.
  return Math.round(attempt === 0 ? ceiling * random : ceiling / 2 + (ceiling / 2) * random);
}
