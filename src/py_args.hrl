%% Which public function was called, and how: what a refusal of py_args names.
-define(CALLED(Args), {?MODULE, ?FUNCTION_NAME, Args}).
