const TOKEN = /^token:.*@([^@]+)$/;

/**
 * The person behind an acting name: a program that acts by somebody's access token (`token:<name>@<user>`) is that person. Two
 * persons are needed where one must not be enough: his own token is no second one.
 */
export function personOf(actor: string): string {
  return TOKEN.exec(actor)?.[1] ?? actor;
}
