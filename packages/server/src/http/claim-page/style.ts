/** One column, light or dark as its reader likes it, on a telephone as on a desk; readable with styles of the reader's own. */
export const style = `
:root{color-scheme:light dark;--page:#f4f5f7;--card:#fff;--text:#1b1f24;--soft:#57606a;--line:#d8dee4;--accent:#1f5fd1;--accent-strong:#184fb0;--on-accent:#fff;--field:#f6f8fa;--warn:#fff4d6;--warn-line:#d9a514;--warn-text:#5c4400;--bad:#ffebe9;--bad-line:#cf222e;--bad-text:#82071e;--good:#116329}
@media(prefers-color-scheme:dark){:root{--page:#0d1117;--card:#161b22;--text:#e6edf3;--soft:#9da7b3;--line:#30363d;--accent:#4c8dff;--accent-strong:#78a9ff;--on-accent:#06142e;--field:#0d1117;--warn:#2d2200;--warn-line:#9e6a03;--warn-text:#f2cc60;--bad:#34110f;--bad-line:#f85149;--bad-text:#ffb3ad;--good:#56d364}}
*{box-sizing:border-box}
[hidden]{display:none!important}
html{-webkit-text-size-adjust:100%}
body{margin:0;min-height:100vh;display:flex;flex-direction:column;align-items:center;padding:3rem 1rem 2rem;background:var(--page);color:var(--text);font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main{width:100%;max-width:44rem;background:var(--card);border:1px solid var(--line);border-radius:1rem;padding:2.25rem 2.5rem 2rem;box-shadow:0 1px 2px #1b1f240a,0 12px 32px -16px #1b1f2429}
.brand{display:flex;align-items:center;gap:.6rem;margin:0 0 1.75rem;color:var(--soft);font-size:.9rem}
.brand svg{flex:none;color:var(--accent)}
h1{margin:0 0 .75rem;font-size:1.6rem;line-height:1.25;letter-spacing:-.01em;overflow-wrap:anywhere;text-wrap:balance}
h2{margin:2rem 0 .6rem;font-size:1.05rem}
p{margin:0 0 1rem}
.soft{color:var(--soft)}
small,.small{font-size:.9rem}
a{color:var(--accent);text-underline-offset:.15em}
dl{margin:1.5rem 0;border-top:1px solid var(--line)}
dl div{display:grid;grid-template-columns:10rem 1fr;gap:.25rem 1rem;padding:.65rem 0;border-bottom:1px solid var(--line)}
dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere;white-space:pre-line}
ol{margin:0 0 1rem;padding-left:1.4rem}
li{margin:0 0 .6rem;padding-left:.2rem}
code,pre{font:.95rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"Noto Sans Mono",monospace}
li code,.soft code{padding:.1em .35em;border:1px solid var(--line);border-radius:.35rem;background:var(--field);overflow-wrap:anywhere}
.note{margin:1.25rem 0;padding:.8rem 1rem;border:1px solid var(--warn-line);border-radius:.6rem;background:var(--warn);color:var(--warn-text)}
.note.bad{border-color:var(--bad-line);background:var(--bad);color:var(--bad-text)}
.box{display:flex;align-items:stretch;gap:.6rem;margin:.4rem 0 .25rem}
.box pre,.box code{flex:1;min-width:0;margin:0;padding:.75rem .9rem;border:1px solid var(--line);border-radius:.6rem;background:var(--field);overflow-wrap:anywhere;white-space:pre-wrap;-webkit-user-select:all;user-select:all}
.box .secret{font-size:1.05rem;font-weight:600;border-color:var(--accent)}
.state{display:block;font-size:.9rem;color:var(--soft)}
.state.done{color:var(--good)}
.check{display:flex;gap:.75rem;align-items:flex-start;margin:0 0 1.25rem;cursor:pointer}
.check input{flex:none;width:1.25rem;height:1.25rem;margin:.15rem 0 0;accent-color:var(--accent)}
button{font:inherit;font-weight:600;padding:.7rem 1.25rem;border-radius:.6rem;border:1px solid var(--accent);background:var(--accent);color:var(--on-accent);cursor:pointer}
button:hover{background:var(--accent-strong);border-color:var(--accent-strong)}
button:disabled{opacity:.6;cursor:progress}
button.plain{align-self:flex-start;background:none;color:var(--accent);border-color:var(--line);padding:.7rem 1rem}
button.plain:hover{border-color:var(--accent)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
main>:last-child,main>:last-child>:last-child{margin-bottom:0}
footer{width:100%;max-width:44rem;margin-top:1.25rem;padding:0 .5rem;color:var(--soft);font-size:.875rem}
@media(max-width:36rem){body{padding:1rem .75rem 1.5rem}main{padding:1.5rem 1.25rem;border-radius:.8rem}h1{font-size:1.35rem}dl div{grid-template-columns:1fr}form button{width:100%}.box{flex-direction:column}button.plain{align-self:stretch}}
@media print{body{padding:0}main{border:0;box-shadow:none}button,footer{display:none}}
`
