BUILD := editable
