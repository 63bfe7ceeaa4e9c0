/**
 * What the page can do besides where there is JavaScript: copy, also over plain HTTP, where browsers have no clipboard API; and take
 * the button away once it was pressed, so that a double click does not replace the answer that has the value.
 */
export const script = `
for (const button of document.querySelectorAll('button[data-copies]')) {
  const source = document.getElementById(button.dataset.copies)
  const state = document.getElementById(button.dataset.copies + '-state')
  button.hidden = false
  button.addEventListener('click', async () => {
    const done = await copy(source)
    state.textContent = done ? 'Copied.' : 'It is selected: press Ctrl+C, or \\u2318C.'
    state.classList.toggle('done', done)
  })
}

async function copy(source) {
  getSelection().selectAllChildren(source)
  try {
    await navigator.clipboard.writeText(source.textContent)
    return true
  } catch {
    return document.execCommand('copy')
  }
}

for (const form of document.forms) {
  form.addEventListener('submit', () => {
    for (const button of form.querySelectorAll('button')) button.disabled = true
  })
}
`
