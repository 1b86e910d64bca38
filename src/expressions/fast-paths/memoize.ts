/** Caches what was made from an expression's text. The limit guards against texts that are generated per event. */
export function memoize<Made>(make: (text: string) => Made, most = 1_000): (text: string) => Made {
  const known = new Map<string, { readonly made: Made }>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found.made;
    const made = make(text);
    if (known.size >= most) known.clear();
    known.set(text, { made });
    return made;
  };
}
