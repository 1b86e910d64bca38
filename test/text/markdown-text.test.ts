import { asCode, asLink, asProse, describeFirst } from '../../src/text/markdown-text';

describe('text from elsewhere in the Markdown of the Temporal UI', () => {
  it.each([
    ['S2A_10TGK--x', '`S2A_10TGK--x`'],
    ['a`b|<b>', '``a`b|<b>``'],
    ['`a``', '``` `a`` ```'],
    ['two\n\n- lines', '`two - lines`'],
    ['', ''],
    [`${'x'.repeat(50)}-${'y'.repeat(48)}`, `\`${'x'.repeat(48)}\`<wbr>\`xx-${'y'.repeat(48)}\``],
    [`to ${'x'.repeat(50)}`, `\`to\` <wbr>\`${'x'.repeat(48)}\`<wbr>\`xx\``],
  ])('is formatted as code if it is to be copied: %j', (text, markdown) => {
    expect(asCode(text)).toBe(markdown);
  });

  it.each([
    ['the *namespace* exists_now', 'the \\*namespace\\* exists\\_now'],
    ['<img src=x> [go](http://evil.example) a|b $5', '\\<img src=x\\> \\[go\\](http://evil.example) a\\|b \\$5'],
    ['run `sluice replay <x>` again', 'run `sluice replay <x>` again'],
    ['one ` alone', 'one \\` alone'],
    ['&lt; \\ ~~no~~', '\\&lt; \\\\ \\~\\~no\\~\\~'],
  ])('is shown literally in prose: %j', (text, markdown) => {
    expect(asProse(text)).toBe(markdown);
  });

  it('is truncated if it is long', () => {
    expect(asCode('x '.repeat(300))).toHaveLength(202);
    expect(asProse('x'.repeat(300), 10)).toBe(`${'x'.repeat(9)}…`);
  });

  it('cannot leave the address of a link', () => {
    expect(asLink('`x`', `https://argo.example/a (b)<c>\n'd'`)).toBe(
      '[`x`](https://argo.example/a%20%28b%29%3Cc%3E%0A%27d%27)',
    );
  });

  it('reports how many entries of a long list are omitted', () => {
    const most = { values: 3, characters: 5 };
    const others = (count: number) => `${count} more`;
    expect(describeFirst(['a', 'b'], most, String, others)).toEqual(['a', 'b']);
    expect(describeFirst(['a', 'b', 'c', 'd'], most, String, others)).toEqual(['a', 'b', 'c', '', '1 more']);
    expect(describeFirst(['aaa', 'bbb'], most, String, others)).toEqual(['aaa', '', '1 more']);
  });
});
