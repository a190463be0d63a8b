/** A filter with a label: one of some values, or all. The browser's own list, coloured while it hides something. */
export function Choice<T extends string>(props: {
  readonly label: string;
  readonly any: string;
  readonly value: T | undefined;
  readonly options: readonly { readonly value: T; readonly label: string }[];
  readonly onChange: (value: T | undefined) => void;
}) {
  return (
    <label className={`choice${props.value === undefined ? "" : " filtering"}`}>
      <span>{props.label}</span>
      <select
        value={props.value ?? ""}
        onChange={({ target }) => props.onChange(props.options.find(({ value }) => value === target.value)?.value)}
      >
        <option value="">{props.any}</option>
        {props.options.map(({ value, label }) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    </label>
  );
}
