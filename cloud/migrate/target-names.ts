/** What tells one record database from another: host, port, database, and the options that choose a schema. Never user or password. */
export function recordsName(url: string): string {
  const { hostname, port, pathname, searchParams } = new URL(url);
  const options = searchParams.get("options");
  return `records ${hostname}:${port === "" ? "5432" : port}${pathname}${options === null ? "" : ` ${options}`}`;
}
