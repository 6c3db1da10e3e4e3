// SPDX-License-Identifier: Apache-2.0

/** The style sheet of report pages: light and dark, from a phone's width up; series colours c0 to c7 have like contrast in both. */
export const pageStyle = `
:root { --ground: #fcfcfb; --panel: #ffffff; --ink: #1d2327; --soft: #5b666d; --line: #e2e5e4; --roof: #8a969c; --good: #1b7f4d; --bad: #b3261e;
  --c0: #2f6db3; --c1: #d9772b; --c2: #2e9270; --c3: #a8488f; --c4: #b59a22; --c5: #5a5fc0; --c6: #c44a4a; --c7: #4aa3b8; --on: #ffffff; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #14181a; --panel: #1b2023; --ink: #e6eaeb; --soft: #9aa6ac; --line: #2f373b; --roof: #76838a; --good: #59c48d; --bad: #f0877f;
    --c0: #6ea8e5; --c1: #eb9a5a; --c2: #56bd98; --c3: #d483bd; --c4: #d8be55; --c5: #969bf0; --c6: #e98181; --c7: #76cbe0; --on: #14181a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
header, main { max-width: 1180px; margin: 0 auto; padding: 0 20px; }
header { padding-top: 34px; }
h1 { margin: 0; font-size: 30px; letter-spacing: -0.02em; }
h2 { margin: 0 0 10px; font-size: 16px; }
.sub { margin: 0 0 14px; color: var(--soft); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; margin: 0; font-size: 13.5px; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
main { padding-top: 22px; padding-bottom: 50px; }
.charts { columns: 2; column-gap: 20px; padding-bottom: 20px; }
figure, section { margin: 0 0 20px; padding: 18px 20px; background: var(--panel); border: 1px solid var(--line); border-radius: 10px; break-inside: avoid; }
figcaption, .note { margin: 10px 0 0; color: var(--soft); font-size: 13px; max-width: 100ch; }
.wide { overflow-x: auto; }
svg { display: block; width: 100%; min-width: 520px; height: auto; font-size: 12px; fill: var(--ink); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13.5px; white-space: nowrap; }
th { color: var(--soft); font-weight: 500; border-bottom: 1px solid var(--line); vertical-align: bottom; white-space: pre; }
th, td { padding: 3px 11px; }
td { border-bottom: 1px solid color-mix(in srgb, var(--line) 55%, transparent); }
th:first-child, td:first-child { padding-left: 0; }
.left { text-align: left; } .right { text-align: right; }
td.left:last-child:not(:first-child) { white-space: normal; min-width: 320px; }
.verdict { margin: 16px 0 0; } .verdict p { margin: 0; }
.good { color: var(--good); } .bad { color: var(--bad); }
.checks { margin: 4px 0 0; padding-left: 20px; } .checks li { margin: 2px 0; } .checks b { font-weight: 600; }
.grid { stroke: var(--line); stroke-width: 1; }
.tick { fill: var(--soft); font-size: 11px; } .axis { fill: var(--soft); }
.roof { stroke: var(--roof); stroke-width: 1.8; } .rooflabel { fill: var(--soft); font-size: 11px; }
.curve { fill: none; stroke-width: 2; stroke-linejoin: round; } .ideal { stroke: var(--soft); stroke-dasharray: 5 4; stroke-width: 1.4; }
.leader { stroke: var(--line); } .whisker { stroke: var(--ink); stroke-width: 1.2; } .inside { fill: var(--on); font-size: 11px; }
.part { stroke: var(--panel); stroke-width: 0.8; } .pale { opacity: 0.55; }
${[0, 1, 2, 3, 4, 5, 6, 7].map((i) => `.c${i} { fill: var(--c${i}); } .curve.c${i} { fill: none; stroke: var(--c${i}); }`).join('\n')}
@media (max-width: 900px) { main { padding-left: 12px; padding-right: 12px; } .charts { columns: 1; } header { padding-left: 14px; padding-right: 14px; }
  figure, section { padding: 14px; } dl { grid-template-columns: minmax(0, 1fr); } dt { margin-top: 5px; } }
`;
