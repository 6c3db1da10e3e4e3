// SPDX-License-Identifier: Apache-2.0
/** The report's style sheet: follows the reader's light or dark setting. */
export const reportStyle = `
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5d6a7a; --line: #dde3ea; --paper: #fff; --card: #f5f7fa;
  --valid: #2f7d5b; --no-point: #d9a441; --outside: #c3ccd6; --dead: #c2413b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --soft: #98a5b5; --line: #2c3643; --paper: #12171e; --card: #1a212b;
  --valid: #4fa880; --no-point: #d9a441; --outside: #46525f; --dead: #e0665f; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.55 system-ui, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 40px 24px 64px; }
h1 { margin: 0; font-size: 30px; font-weight: 650; letter-spacing: -.01em; overflow-wrap: anywhere; }
h2 { margin: 44px 0 12px; font-size: 18px; font-weight: 620; }
p, figcaption, footer { color: var(--soft); }
header p { margin: 6px 0 0; }
.badge { display: inline-block; padding: 1px 9px; border-radius: 999px; font-size: 12.5px; font-weight: 600; color: #fff; background: var(--valid); }
.badge.partial, .badge.dead { background: var(--dead); }
.badge.empty { background: var(--soft); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 28px 0; }
.figures div { padding: 14px 16px; border-radius: 10px; background: var(--card); }
.figures dd { margin: 0; font-size: 20px; font-weight: 620; font-variant-numeric: tabular-nums; }
.figures dt { color: var(--soft); font-size: 13px; line-height: 1.35; }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 16px; align-items: start; }
figure { margin: 0; }
figure:first-child { grid-column: 1 / -1; }
img { display: block; width: 100%; max-height: 820px; object-fit: contain; border-radius: 10px; background: var(--card); }
figcaption { margin-top: 6px; font-size: 13px; }
figcaption b { color: var(--ink); font-weight: 600; }
.scroll { overflow-x: auto; margin: 12px 0; }
table { width: 100%; border-collapse: collapse; font-size: 13.5px; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; color: var(--soft); white-space: nowrap; }
th, td { padding: 6px 14px 6px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
.bar { display: flex; height: 14px; border-radius: 7px; overflow: hidden; background: var(--card); }
.bar.thin { height: 8px; margin-top: 6px; min-width: 180px; }
.bar .valid, .key.valid { background: var(--valid); } .bar .no-point, .key.no-point { background: var(--no-point); }
.bar .outside, .key.outside { background: var(--outside); } .bar .dead, .key.dead { background: var(--dead); }
.bar .outside-roi, .key.outside-roi { background: none; }
.key.outside-roi { outline: 1px solid var(--outside); outline-offset: -1px; }
.key { display: inline-block; width: 10px; height: 10px; margin-right: 8px; border-radius: 3px; }
.part { padding-left: 18px; color: var(--soft); }
svg { width: 100%; height: auto; } svg rect { fill: var(--valid); } svg text { fill: var(--soft); font: 11px system-ui, sans-serif; }
summary { cursor: pointer; color: var(--soft); } a { color: inherit; } footer { margin-top: 48px; font-size: 13px; }
@media print { main { padding: 0; } details > * { display: block; } }
`;
